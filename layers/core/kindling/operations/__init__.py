"""Operations: what a caller sees of a saga."""
