import JSON
import Schedules
import SystemPackage
import TestSupport
import Testing

@Suite("A scheduler's configuration file")
struct SchedulerConfigurationTests {
  static func read(_ text: String) throws -> SchedulerConfiguration {
    try SchedulerConfiguration(JSONValue(parsing: text), file: "scheduler_config.json")
  }

  @Test(
    "is read from the shipped models",
    arguments: [
      ("tiny-flux", Schedulers.flux), ("tiny-qwen-image", Schedulers.qwen),
    ] as [(String, SchedulerConfiguration)])
  func shipped(model: String, expected: SchedulerConfiguration) throws {
    let text = try Fixtures.text(
      Fixtures.model(model).appending("scheduler").appending("scheduler_config.json"))
    #expect(try SchedulerConfigurationTests.read(text) == expected)
  }

  @Test func hasTheSchedulersDefaultsForAbsentKeys() throws {
    #expect(try SchedulerConfigurationTests.read("{}") == .init(shift: .fixed(1)))
    #expect(
      try SchedulerConfigurationTests.read(#"{"use_dynamic_shifting": true}"#)
        == Schedulers.flux)
  }

  @Test func takesAFixedShiftOnlyWithoutDynamicShifting() throws {
    #expect(
      try SchedulerConfigurationTests.read(#"{"shift": 3.0, "shift_terminal": 0}"#)
        == .init(shift: .fixed(3)))
  }

  @Test(
    "refuses what would change the sigmas, by name",
    arguments: [
      "invert_sigmas", "stochastic_sampling", "use_karras_sigmas", "use_exponential_sigmas",
      "use_beta_sigmas",
    ])
  func unsupported(key: String) throws {
    let error = try #require(throws: ScheduleError.self) {
      try SchedulerConfigurationTests.read("{\"\(key)\": true}")
    }
    #expect(error.description.hasPrefix("scheduler_config.json: \"\(key)\": true is not supported"))
    #expect(throws: Never.self) { try SchedulerConfigurationTests.read("{\"\(key)\": false}") }
  }

  @Test(
    "names file, key, what was expected and what was found",
    arguments: [
      (#"{"shift": "3"}"#, "shift"),
      (#"{"shift": 0}"#, "shift"),
      (#"{"use_dynamic_shifting": 1}"#, "use_dynamic_shifting"),
      (#"{"use_dynamic_shifting": true, "base_shift": null}"#, "base_shift"),
      (#"{"use_dynamic_shifting": true, "max_shift": 1e300}"#, "max_shift"),
      (#"{"use_dynamic_shifting": true, "base_image_seq_len": 4096}"#, "max_image_seq_len"),
      (#"{"use_dynamic_shifting": true, "base_image_seq_len": 4096.5}"#, "base_image_seq_len"),
      (#"{"use_dynamic_shifting": true, "max_image_seq_len": -1}"#, "max_image_seq_len"),
      (#"{"use_dynamic_shifting": true, "time_shift_type": "cosine"}"#, "time_shift_type"),
      (#"{"shift_terminal": 1}"#, "shift_terminal"),
      (#"{"shift_terminal": "0.02"}"#, "shift_terminal"),
      (#"{"_class_name": 5}"#, "_class_name"),
    ] as [(String, String)])
  func wrongTypes(text: String, key: String) throws {
    let error = try #require(throws: ScheduleError.self) {
      try SchedulerConfigurationTests.read(text)
    }
    #expect(error.description.hasPrefix("scheduler_config.json: \"\(key)\": expected "))
    #expect(error.description.contains(", found "))
  }

  @Test(
    "refuses other schedulers and other counts of timesteps",
    arguments: [
      (#"{"_class_name": "DDIMScheduler"}"#, "scheduler 'DDIMScheduler'"),
      (#"{"num_train_timesteps": 500}"#, "\"num_train_timesteps\": 500"),
    ] as [(String, String)])
  func otherSchedulers(text: String, named: String) throws {
    let error = try #require(throws: ScheduleError.self) {
      try SchedulerConfigurationTests.read(text)
    }
    #expect(error.description.contains(named))
  }

  @Test func refusesAnythingButAnObject() {
    expectRefusal(ScheduleError.self, saying: "expected a JSON object, found another kind of value")
    { try SchedulerConfigurationTests.read("[]") }
  }
}
