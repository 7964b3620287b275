"""What an image is made of, as far as the catalog and the locks say."""
