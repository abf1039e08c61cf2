"""What the mail provider tells by itself: signed, once, in any order."""
