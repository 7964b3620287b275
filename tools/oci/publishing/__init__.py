"""Publishing and signing many images: what is chosen is built, and nothing else."""
