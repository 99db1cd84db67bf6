import JSON
import SystemPackage
import TestSupport
import Testing

/// What glance-train-lora writes for TensorBoard.
@Suite("Event files of glance-train-lora", .serialized)
struct TrainingEventsTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> FilePath {
    FilePath("\(folder.path)/out/\(name)")
  }

  private func events(_ phase: String) throws -> [EventFileReader.Event] {
    try EventFileReader(contents(of: file("a.events/\(phase)/events.out.tfevents"))).events
  }

  private func rows(_ phase: String) throws -> [JSONValue] {
    try Fixtures.text(file("a.jsonl")).split(separator: "\n")
      .map { try JSONValue(parsing: String($0)) }.filter { $0["phase"]?.string == phase }
  }

  private func train(_ more: String...) throws {
    let outcome = try command.run(tinyTraining(in: folder, ["--log", "-q"] + more))
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  private func inode(_ phase: String) throws -> String {
    try command.shell("stat -c %i '\(file("a.events/\(phase)/events.out.tfevents"))'").output
  }

  @Test("hold the log's numbers, a run a phase")
  func numbers() throws {
    try train("--steps", "3", "--batch", "2", "--warmup", "2")
    for phase in ["slow", "fast"] {
      let (events, rows) = (try events(phase), try rows(phase))
      #expect(rows.count == 6)
      #expect(events.map(\.step) == [0, 1, 2, 3, 3, 3])
      #expect(events[0].version == "brain.Event:2" && events[0].scalars.isEmpty)
      for step in 1...3 {
        let items = rows.filter { $0["step"]?.integer == step }
        let losses = items.compactMap { $0["loss"]?.double }
        let event = events[step]
        #expect(event.time == items[0]["time"]?.double)
        #expect(event.scalars["loss"] == Float((losses[0] + losses[1]) / 2))
        for key in ["gradient_norm", "learning_rate"] {
          #expect(event.scalars[key] == items[0][key]?.double.map { Float($0) })
        }
        let visited = Set(items.compactMap { $0["timestep"]?.double })
        for timestep in visited {
          let losses = items.filter { $0["timestep"]?.double == timestep }
            .compactMap { $0["loss"]?.double }
          let mean = losses.reduce(0, +) / Double(losses.count)
          #expect(
            event.scalars["loss_at/\((timestep * 10).rounded() / 10)"] == Float(mean))
        }
        #expect(event.scalars.count == 3 + visited.count)
      }
      // The two blocks of the model, or more, under their names.
      let norms = try #require(rows[5]["adapter_norms"]?.object)
      #expect(norms.members.count >= 2 && norms.members.count == events[4].scalars.count)
      for norm in norms.members {
        let value = try #require(norm.value.double)
        #expect(value > 0 && events[4].scalars["adapter_norm/\(norm.key)"] == Float(value))
      }
      let fixed = try #require(rows[5]["fixed_noise_losses"]?.array)
      #expect(fixed.count == 5 && events[5].scalars.count == 10)
      for loss in fixed {
        let timestep = (try #require(loss["timestep"]?.double) * 10).rounded() / 10
        let scalars = events[5].scalars
        #expect(
          scalars["fixed_noise_loss/\(timestep)"] == loss["adapted"]?.double.map { Float($0) })
        #expect(
          scalars["fixed_noise_loss_of_base/\(timestep)"]
            == loss["base"]?.double.map { Float($0) })
      }
    }
  }

  @Test("of a run that goes on grow, and hold every step once")
  func resumed() throws {
    try train("--steps", "2", "--phase", "slow", "--keep-state")
    let (before, inode) = (try events("slow"), try inode("slow"))
    #expect(before.map(\.step) == [0, 1, 2, 2, 2])
    try train("--steps", "4", "--phase", "slow", "--keep-state", "--resume")
    let after = try events("slow")
    #expect(after.map(\.step) == [0, 1, 2, 2, 2, 3, 4, 4, 4])
    #expect(Array(after.prefix(5)) == before)
    #expect(try self.inode("slow") == inode)
    // As if killed between the log and the state of the last two steps, amid an append.
    let path = file("a.events/slow/events.out.tfevents")
    let lost = try command.shell(
      "cd '\(folder.path)/out' && rm a-slow.safetensors a-slow.state/step-000004.safetensors "
        + "&& truncate -s -5 '\(path)'")
    try #require(lost.status == 0)
    try train("--steps", "4", "--phase", "slow", "--keep-state", "--resume")
    #expect(try events("slow").map(\.step) == [0, 1, 2, 2, 2, 3, 4, 4, 4])
    let losses = try rows("slow").compactMap { $0["loss"]?.double }.map { Float($0) }
    #expect(try events("slow").compactMap { $0.scalars["loss"] } == losses)
  }
}
