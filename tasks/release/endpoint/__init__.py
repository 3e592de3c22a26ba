"""Releases on a SageMaker endpoint: two variants, and weights between them. See docs/release.md.

What differs from the other delivery: how a journal begins (`plan`), what its phases mean (`rules`,
`deploying`, `undoing`; pure), the acts (`acts`), and what is read at AWS (`delivery`).
"""
