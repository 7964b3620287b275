"""Pages of a family: what its tags are and how to use its images."""
