#![no_std]
//! What a board and a host say to each other over one serial line.
