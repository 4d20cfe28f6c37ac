"""Writing drafts in the browser: between the forms of schemas/forms.py and what a draft says."""
