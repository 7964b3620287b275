"""What is generated from the catalog: pages, Dockerfiles, manifests, lists."""
