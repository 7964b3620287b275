"""What an image's size is made of."""
