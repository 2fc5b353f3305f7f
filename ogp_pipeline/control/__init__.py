"""What people do with releases by hand: list, go back to one, hold, build one again, ask whether all is well.

`kept` knows the releases on the disk, `journal` what was done with them, `hold` whether any may be published,
`rollback` and `rebuild` do what they are called, `doctor` asks. Building a release belongs to `release`.
"""
