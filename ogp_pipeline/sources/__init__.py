"""Official files: find them, recognise them by their columns, keep their bytes, read them as text.

`layouts` knows what a layout looks like, `readers` turns a file into rows of text, `folders` looks at the
sources of a run, `raw_tables` builds `meta.sources` and the raw tables from them.
"""
