"""What keeps a pipeline running for a year: who hears of a failure, and what is thrown away when."""
