/** If an unawaited promise is rejected, the running test fails. By default, mocha ignores the rejection. */
process.on("unhandledRejection", (reason) => {
    throw reason;
});
