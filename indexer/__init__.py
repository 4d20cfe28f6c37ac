"""From records to answers: analysis, passages, vectors, engines, ranking, tagging."""
