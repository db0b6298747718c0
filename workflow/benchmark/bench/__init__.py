"""Speed on this machine, compared with plain use of the libraries and with the machine's limit: `make bench`."""
