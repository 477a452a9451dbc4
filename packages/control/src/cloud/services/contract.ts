import type { DescService } from "@bufbuild/protobuf";
import { AdminService } from "@drawbridge/gen/drawbridge/v1/admin";
import { ControlService } from "@drawbridge/gen/drawbridge/v1/control";
import { DiagnosticService } from "@drawbridge/gen/drawbridge/v1/diagnostic";
import { EnrollmentService } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { RegistryService } from "@drawbridge/gen/drawbridge/v1/registry";
import { SessionService } from "@drawbridge/gen/drawbridge/v1/session";

/** The services of our own contract. */
export const CONTRACT: readonly DescService[] = [
  AdminService,
  ControlService,
  DiagnosticService,
  EnrollmentService,
  RegistryService,
  SessionService,
];
