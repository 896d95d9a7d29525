//! What can go wrong with an attached board, provoked on the virtual cable: each has its stable code.
