// Package browsertest tests in a browser what package serve and the command
// write for one: the page, networks that run in it, and reports. It is a module
// of its own, so that nobody else needs what drives the browser.
//
// It needs chromium. MIXNET_AXE is axe-core's axe.min.js, which looks for what
// people with disabilities could not use; MIXNET_SCREENSHOTS a folder for
// pictures of what the tests saw.
package browsertest
