// Package logs is where the output of services goes and how it is read again.
//
// A service writes straight into a file that was opened for appending: no process of ours stands in between. What
// is here opens such files, names them, moves what is too much of them into archives, and reads them: from the end, and
// while they grow.
//
// # Rotation
//
// A log is one stream of bytes. What lies beside its live file says which part of the stream is where:
//
//	web.log                  the live file: the service writes into it
//	web.log.index            the layout: where in the stream the live file's bytes are; absent if it was never rotated
//	web.log.0-10485760       an archive, of these bytes of the stream
//	web.log.0-10485760.gz    the same, compressed; where there are both, the plain one counts
//	web.log.marks            when the stream was how long
//	web.log.part, .next, .gz.part, .index.new    what is not whole yet; after a crash it is removed
//
// A [Rotator] goes about it in this order, and whenever it dies, who comes next goes on from what it finds:
//
//  1. What is to go is copied into web.log.part, which is made durable and then gets an archive's name. Writers go on: what is
//     copied is behind them.
//  2. A durable layout says that the stream in the live file has another head. What is before it may still be there, but nobody
//     looks at it any more.
//  3. The space of it is given back. Where the file system can collapse a range: piece by piece, of which each is announced
//     in the layout with the place on the disk of the byte that is the first one now, and of the one that will be. After a crash
//     the place of the first byte says whether it was done; the content would not, for lines repeat. Elsewhere by a hole,
//     which can be punched as often as one likes.
//
// While a service is not running, its live file can become an archive by its name alone, and an empty one takes its place
// ([Rotator.Swap]): that is all there is where neither works, and what puts an end to a hole.
//
// What this lives on:
//   - A collapse and an appending write take the same lock of the inode, so a writer is before it or after it. It waits while
//     the collapse writes out what is to stay, so that is done before: what is left takes some milliseconds.
//   - XFS that is killed in a collapse leaves the file as long as it was, with NULs at its end, after which writers go on. They
//     are found as a hole that has the length of the cut, and noted in the layout as a gap.
//   - What the power takes: archives and layouts are durable before anything is cut. What a service wrote last is as durable as
//     any file is that nobody syncs. XFS moves extents one by one; power lost in between is a gap in the middle, and found as well.
//   - Whoever cuts the live file short (> /dev/stdout does) or replaces it begins a new epoch: what is in it then follows what was
//     known of it, so offsets only grow. If it is as long again before anybody looks, that cannot be told.
//
// # Reading
//
// Who reads takes no lock, writes nothing and asks nobody, so it makes no difference whether somebody of ours is there. A
// [Stream] holds a view: the index, the layout that is in it, and the live file. What it has read from the live file by that view
// counts only if afterwards the path of the index still leads to the same file: an index is replaced, never changed, before
// anything is moved, and one that is held open cannot be mistaken for the next one. Otherwise it looks again and reads again.
// What is in archives never changes, so nothing has to be looked at for that.
//
// While a cut is announced the place of the live file's bytes is not known. That is over in milliseconds; if it lasts, who
// announced it is dead, and the place of the first byte on the disk tells, before and after the reading.
//
// A live file that is shorter than it was, or another one than the index speaks of, begins anew for the reader too, behind all that
// he knows, and he counts from there until the index says from where. A follower then goes over to those offsets, and loses
// and repeats nothing. The file that was replaced he holds, and reads to its end, as long as he knows how it lies: which cuts in
// the index tells. Nobody can tell a file that was replaced from one that was not if the index names none and there are no marks.
//
// Who is slower than archives are dropped finds his offset gone ([GoneError]) and goes on at the next that is there.
//
// A follower sleeps until the kernel tells him something of the live file, or, while there is none, of its directories. What is told
// is a reason to look at everything, and nothing more; and a file that loses a name is told of a moment before the path changes.
//
// Marks are pairs of offset and time of 16 bytes, in order, and searched by halves. The supervisor writes them with a [Marker].
//
// # Through a pipe
//
// A service whose lines are to have times writes into a pipe instead, [NewPipe], which it has open to read as well: no death of
// ours is an event for it. A [Pump] moves what is in the pipes to the logs by splice(2), which takes from a pipe just what it
// has put into the file, whenever whoever calls it is killed. So nothing is lost or doubled as long as somebody has the pipe
// open, for which package keeper has a shelf. The pump is the only one who writes such a log, at its end and under its lock
// (the kernel moves nothing to a file that is opened for appending); whoever works at the file does so within [Pump.Without].
// After each move the time is marked, at most once in 10 ms.
package logs
