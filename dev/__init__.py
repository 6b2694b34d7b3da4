"""`scripts/dev`: the demo for people who change the code. Its world lives on in a process of its own while the kiosk
in front of it is started again at every change.
"""
