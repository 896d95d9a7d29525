//! End-to-end tests: shared fixtures live here, one file per story beside it.

#[cfg(test)]
mod foreign;
#[cfg(test)]
mod link;
#[cfg(test)]
mod virtual_board;

#[cfg(test)]
mod attached;
#[cfg(test)]
mod espflash;
#[cfg(test)]
mod esptool;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod faulty_link;
#[cfg(test)]
mod flash;
#[cfg(test)]
mod mpremote;
#[cfg(test)]
mod official;
#[cfg(test)]
mod official_images;
#[cfg(test)]
mod real_time;
#[cfg(test)]
mod virtual_port;
