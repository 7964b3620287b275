"""Images on Windows Server Core, made without Windows: locks of base images, layers, images."""
