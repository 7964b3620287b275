"""What every command shares: options, error messages, templates, files written whole."""
