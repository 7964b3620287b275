"""What all generators share: templates, command lines, and the list of checked-in outputs."""
