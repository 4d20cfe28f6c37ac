"""Files that people add to their drafts: images and PDF documents."""
