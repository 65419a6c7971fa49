-- An id that a row brought along is never given to another one.
{given_ids_move_sequences}
