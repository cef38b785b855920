// Package logs is where the output of services goes and how it is read again.
//
// A service writes straight into a file that was opened for appending: no process of ours stands in between. What
// is here opens such files, names them, and reads them: from the end, and while they grow.
package logs
