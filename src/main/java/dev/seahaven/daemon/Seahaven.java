package dev.seahaven.daemon;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** The daemon. */
@SpringBootApplication(scanBasePackages = "dev.seahaven")
@ConfigurationPropertiesScan
public class Seahaven {

    public static void main(String[] arguments) {
        // What reads /proc keeps its carrier; with one for each processor all others would wait.
        String carriers =
                Integer.toString(Math.max(8, 2 * Runtime.getRuntime().availableProcessors()));
        System.setProperty("jdk.virtualThreadScheduler.parallelism", carriers);
        SpringApplication.run(Seahaven.class, arguments);
    }
}
