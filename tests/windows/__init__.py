"""Images on Windows made of a real Python for Windows."""
