import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("glance-eval fid")
struct DistanceCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-eval")
  private let files: [String]

  init() throws {
    folder = try TemporaryFolder()
    files = try [
      ("a", [5, 2], [1, 2, 3, 5, -1, 0.5, 2, 2.25, 0, 7]),
      ("b", [4, 2], [0, 1, 2, -3, 4, 1.5, 1, 1]),
      ("c", [2, 3], [1, 2, 3, 4, 5, 6]),
    ].map { [folder] (name: String, shape: [Int], values: [Float]) in
      let file = folder.path.appending("\(name).safetensors")
      try writeSafetensors(
        [TensorView(name: "f", shape: shape, values)], to: file, overwrite: false)
      return file.string
    }
  }

  @Test("prints the distance and its parts")
  func text() throws {
    let run = try command.run(["fid", files[0], files[1]])
    #expect(run.errors == "")
    // numpy: 10.963125 and 0.38910229522807427.
    #expect(
      run.output
        == "Fréchet distance 11.3522: 10.9631 between the means, 0.389102 between the covariances\n"
    )
  }

  @Test("prints JSON")
  func json() throws {
    let run = try command.run(["fid", files[0], files[1], "--json"])
    let report = try JSONValue(parsing: run.output)
    #expect(report["format"] == "glance-fid/1")
    #expect(abs(try #require(report["means"]?.double) - 10.963125) < 1e-12)
    #expect(report["enough_pictures"] == true)
    #expect(report["sets"]?.array?[1]["pictures"] == 4)
  }

  @Test("refuses features of other networks")
  func refused() throws {
    let run = try command.run(["fid", files[0], files[2]])
    #expect(run.status == 65)
    #expect(
      run.errors
        == "glance-eval: \(files[2]): features of 3 numbers, but \(files[0]) has 2; take both from "
        + "one network\n")
  }

  @Test("warns of too few pictures")
  func few() throws {
    let run = try command.run(["fid", files[2], files[2]])
    #expect(run.status == 0)
    #expect(
      run.errors.hasPrefix(
        "glance-eval: warning: \(files[2]): 2 pictures for 3 numbers each, expected more pictures than "
          + "numbers; the distance is too large\n"))
  }

  @Test("answers a mistyped option of the verb with the right one")
  func mistyped() throws {
    let run = try command.run(["fid", "a", "b", "--tensr", "x"])
    #expect(run.status == 64)
    #expect(
      run.errors.hasPrefix("glance-eval: Unknown option '--tensr': did you mean '--tensor'?\n"))
    #expect(run.errors.contains("\n  See 'glance-eval fid --help' for more information.\n"))
  }
}
