"""What a release observes (AWS, windows of counts, captured pairs), and the analysis of it."""
