"""Places where files are: a folder of this machine, a server reached by SFTP, an object store."""
