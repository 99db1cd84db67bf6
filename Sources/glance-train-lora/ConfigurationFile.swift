import CommandSupport
import ExpertTraining
import Failures
import JSON
import Safetensors
import SystemPackage
import Training

/// Options in a JSON object: every key is an option's long name; `true` sets a flag.
///
/// The options of the file stand before those of the command line, which therefore win. A key that
/// is no option is refused like an unknown option.
enum ConfigurationFile {
  struct Failure: ClassifiedError, CustomStringConvertible {
    let file: FilePath
    let detail: String
    let failureKind: FailureKind
    var description: String { "\(file): \(detail)" }
  }

  /// The arguments with `--config FILE` replaced by what the file says; nil when there is none.
  static func expand(_ arguments: [String]) throws -> [String]? {
    var file: String?
    var rest: [String] = []
    var next = arguments.makeIterator()
    while let argument = next.next() {
      if argument == "--config" {
        file = next.next()
      } else if argument.hasPrefix("--config=") {
        file = String(argument.dropFirst("--config=".count))
      } else {
        rest.append(argument)
      }
    }
    guard let file else { return nil }
    let options = try options(in: FilePath(file), givenAlready: Set(rest))
    return options + rest
  }

  private static func options(in file: FilePath, givenAlready: Set<String>) throws -> [String] {
    let text: [UInt8]
    do {
      let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
      text = try descriptor.closeAfter {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
        return Array(bytes[..<count])
      }
    } catch {
      throw Failure(file: file, detail: "cannot read: \(error)", failureKind: .inputMissing)
    }
    let json: JSONValue
    do { json = try JSONValue(parsing: unsafe text.span.bytes) } catch {
      throw Failure(file: file, detail: "\(error)", failureKind: .wrongData)
    }
    guard let object = json.object else {
      throw Failure(file: file, detail: "expected a JSON object", failureKind: .wrongData)
    }
    var options: [String] = []
    for member in object.members where !givenAlready.contains("--" + member.key) {
      let option = "--" + member.key
      switch member.value {
      case .bool(true): options.append(option)
      case .bool(false), .null: break
      case .string(let text): options += [option, text]
      case .integer(let number): options += [option, "\(number)"]
      case .number(let number): options += [option, "\(number)"]
      case .array, .object:
        throw Failure(
          file: file, detail: "'\(member.key)': expected a text, a number or true or false",
          failureKind: .wrongData)
      }
    }
    return options
  }

  /// The options of a run with every default resolved, so that the file repeats it.
  static func text(of command: TrainLoRA, plan: ExpertPlan) -> String {
    let (data, grid, settings) = (command.data, command.grid, plan.settings)
    let values: JSONObject = [
      "model": .string(data.model.string),
      "image": data.image.map { .string($0.string) } ?? .null,
      "caption": data.caption.map { .string($0) } ?? .null,
      "data": data.data.map { .string($0.string) } ?? .null,
      "resolution": .string("\(plan.width)x\(plan.height)"),
      "text-tokens": data.textTokens.map { .integer(Int64($0)) } ?? .null,
      "phase": .string(grid.phase), "preset": .string(grid.preset),
      "teacher-steps": grid.teacherSteps.map { .integer(Int64($0)) } ?? .null,
      "slow-steps": grid.slowSteps.map { .string($0) } ?? .null,
      "fast-steps": grid.fastSteps.map { .string($0) } ?? .null,
      "boundary": grid.boundary.map { .string($0) } ?? .null,
      "partition": grid.partition.map { .string($0) } ?? .null,
      "rank": .integer(Int64(settings.rank)), "alpha": .number(settings.alpha),
      "targets": .string(plan.request.targets), "steps": .integer(Int64(settings.steps)),
      "batch": .integer(Int64(settings.batch)), "lr": .number(settings.learningRate.peak),
      "warmup": .integer(Int64(settings.learningRate.warmupSteps)),
      "weight-decay": .number(settings.optimiser.weightDecay),
      "beta1": .number(settings.optimiser.beta1), "beta2": .number(settings.optimiser.beta2),
      "eps": .number(settings.optimiser.epsilon), "clip": .number(settings.clip ?? 0),
      "caption-dropout": .number(settings.captionDropout),
      "guidance": .number(settings.guidance), "seed": .string("\(settings.seed)"),
      "compat": settings.followsPublishedArithmetic ? "reference" : .null,
      "output": .string(command.results.output.string), "name": .string(command.results.name),
      "title": command.results.title.map { .string($0) } ?? .null,
      "adapter-dtype": .string(command.results.adapterDtype.rawValue),
      "save-every": .integer(Int64(command.results.saveEvery)),
      "log": .bool(command.results.log), "legacy-file": .bool(command.results.legacyFile),
    ]
    let given = values.members.filter { $0.value != .null }
    return JSONValue.object(JSONObject(given)).text(.pretty) + "\n"
  }

  /// Saves the options beside the experts.
  static func save(_ text: String, to output: ExpertOutput) throws {
    try writeAtomically(
      unsafe Array(text.utf8).span.bytes, to: output.companion(".config.json"), overwrite: true)
  }
}
