"""Code that is copied into translated programs, beside that of torchtwin.training.parts.

A line that ends in `# when: ...` is in a program only where it uses that.
"""
