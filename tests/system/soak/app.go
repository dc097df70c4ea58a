// The app of the soak: writes who asked into $RECORD before it answers, so that what has run twice is found.
//
//	/record/MS   a line "X-Id METHOD", then MS milliseconds, then the answer        /   its process number
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func listen() (net.Listener, error) {
	if path := os.Getenv("SOCKET"); path != "" {
		return net.Listen("unix", path)
	}
	return net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
}

func main() {
	listener, err := listen()
	if err != nil {
		panic(err)
	}
	record, err := os.OpenFile(os.Getenv("RECORD"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/record/", func(w http.ResponseWriter, r *http.Request) {
		// One write to a file that is open to append: whole, whatever kills us afterwards.
		fmt.Fprintf(record, "%s %s\n", r.Header.Get("X-Id"), r.Method)
		wait, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/record/"))
		time.Sleep(time.Duration(wait) * time.Millisecond)
		fmt.Fprint(w, "recorded")
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	panic(http.Serve(listener, nil))
}
