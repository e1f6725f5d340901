/* start: a process from start to end. */
int main(void) { return 0; }
