// The reader may close the pipe early: `npm run status | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") {
        throw error;
    }
    process.exit(1);
});

export function write(text: string): void {
    process.stdout.write(text);
}

export function say(line: string): void {
    write(`${line}\n`);
}
