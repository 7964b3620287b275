"""What an image is made from, as far as the catalog and the locks say."""
