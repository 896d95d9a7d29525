//! RFC 2217: a serial port with its control lines over TCP.
