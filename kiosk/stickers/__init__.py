"""Print-ready QR stickers for the chargers of a site. All is drawn as outlines in millimetres: no font is needed.

`layout` decides where things lie, `sheet` puts stickers on pages, `svg` and `pdf` write them, `order` does all of it.
"""
