// Starts Trino, and ends it when whoever started it closes its standard input or
// dies: a test that is killed leaves no server behind.
public final class Start {
    private Start() {}

    public static void main(String[] args) {
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // what comes means nothing
                }
            } catch (java.io.IOException e) {
                // as good as closed
            }
            Runtime.getRuntime().halt(0);
        }, "watch");
        watch.setDaemon(true);
        watch.start();
        new io.trino.server.Server().start("435");
    }
}
