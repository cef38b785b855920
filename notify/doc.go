// Package notify speaks with services that tell how they are: by systemd's protocol, sd_notify(3), or by a line in a pipe,
// as s6 has it.
//
// Every run that may speak has a socket of its own, so that nobody has to find out who sent what. One [Server] receives from
// all of them: one epoll descriptor and one goroutine.
//
// # Nothing is lost when we die
//
// A socket outlives us where somebody else holds it as well, and with it what was sent and not received. So a message is
// looked at where it lies, and stays there until its receiver says, by [Server.Done], that what follows from it is written
// down. Only then it is taken out, and the next one looked at. Where more than one must be heard before anything else happens,
// [Server.Next] looks behind the head of the queue, and all of them stay likewise. Whoever comes after us may therefore hear a message that was
// acted on already; none of them does harm by being heard twice.
//
// That also answers barriers, see sd_notify_barrier(3): what the sender waits for is that the kernel closes a descriptor
// that lies in the queue with the message, which happens when the message is taken out, and so after all before it.
//
// About eleven messages fit into a queue (net.unix.max_dgram_qlen). Whoever sends one more waits.
package notify
