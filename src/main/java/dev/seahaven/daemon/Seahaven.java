package dev.seahaven.daemon;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** The daemon. */
@SpringBootApplication(scanBasePackages = "dev.seahaven")
@ConfigurationPropertiesScan
public class Seahaven {

    public static void main(String[] arguments) {
        SpringApplication.run(Seahaven.class, arguments);
    }
}
