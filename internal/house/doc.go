// Package house is the tests of the rules that the code of this project keeps: who may import whom, what may happen
// before main, what files are called. It holds nothing else.
package house
