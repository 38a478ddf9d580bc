/**
 * Returns an `it` for tests that start together, after the hooks declared before this call. Each test waits for processes of its own and
 * changes nothing that another test reads.
 */
export function sideBySide(): (title: string, body: () => Promise<void>) => void {
    const bodies: (() => Promise<void>)[] = [];
    let running: Promise<void>[] = [];
    before(() => {
        running = bodies.map((body) => body());
        for (const test of running) {
            // Mocha reports the error when it comes to the test. Until then, the rejection counts as unhandled.
            test.catch(() => undefined);
        }
    });
    return (title, body) => {
        const place = bodies.push(body) - 1;
        it(title, () => running[place]);
    };
}
