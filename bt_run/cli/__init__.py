"""The command line: words in, words out; one file a command, imported when it is used."""
