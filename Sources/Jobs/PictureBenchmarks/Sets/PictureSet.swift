internal import Files
internal import JSON
public import SystemPackage

/// The pictures of one arm for a benchmark, and where its scorer looks for them.
public struct PictureSet: Sendable {
  /// A picture file: one picture, or all of a prompt as a grid.
  public struct File: Sendable, Equatable {
    /// The prompt.
    public let prompt: BenchmarkPrompt
    /// What the noise of each of its pictures is made from.
    public let seeds: [UInt64]
    /// Its place in the set's folder.
    public let path: FilePath
  }

  /// The benchmark.
  public let layout: BenchmarkLayout
  /// The name of what draws, such as `teacher`.
  public let arm: String
  /// The folder of the set, which several arms may share.
  public let folder: FilePath
  /// All prompts of the prompt file.
  let prompts: [BenchmarkPrompt]
  /// Prompts of each group to draw; nil: all.
  let limit: Int?
  private let seed: UInt64

  /// A set for a benchmark.
  ///
  /// - Parameters:
  ///   - layout: the benchmark.
  ///   - arm: the name of what draws.
  ///   - folder: the folder of the set.
  ///   - prompts: all prompts of its file.
  ///   - limit: prompts of each group to draw; nil: all.
  ///   - seed: names the first noise.
  /// - Throws: ``BenchmarkError`` for a name that can't be one of a folder.
  public init(
    _ layout: BenchmarkLayout, arm: String, folder: FilePath, prompts: [BenchmarkPrompt],
    limit: Int?, seed: UInt64
  ) throws {
    guard PlainName.holds(arm) else {
      throw BenchmarkError.invalid(
        source: "the arm's name", expected: PlainName.rule, found: "'\(arm)'")
    }
    self.layout = layout
    self.arm = arm
    self.folder = folder
    self.prompts = prompts
    self.limit = limit
    self.seed = seed
  }

  /// The files to draw, in the order of the prompts.
  public var files: [File] { prompts.first(ofEachGroup: limit).flatMap(files) }

  /// The pictures to draw, in the order of the files.
  public var wanted: [WantedPicture] {
    files.flatMap { file in
      file.seeds.map { WantedPicture(prompt: file.prompt.text, seed: $0) }
    }
  }

  /// How many prompts are drawn.
  public var promptCount: Int { prompts.first(ofEachGroup: limit).count }

  /// The files of all prompts.
  var allFiles: [File] { prompts.flatMap(files) }

  /// Where the set says of itself what it is; no scorer looks there.
  public var manifestPath: FilePath { folder.appending("manifests/\(arm).json") }

  /// What to run for its scores, in the folder.
  public func scoring(width: Int) -> String { layout.scoring(arm: arm, width: width) }

  private func files(of prompt: BenchmarkPrompt) -> [File] {
    let seeds = seeds(of: prompt)
    return stride(from: 0, to: layout.picturesPerPrompt, by: layout.picturesPerFile).map { first in
      File(
        prompt: prompt, seeds: Array(seeds[first..<first + layout.picturesPerFile]),
        path: FilePath(layout.picture.expanded(values(prompt, repeat: first))))
    }
  }

  /// **Source:** djghosh13/geneval, `generation/diffusers_generate.py`, `main`, sets its seed anew for
  /// every prompt. The others say nothing; where a set is judged as a whole, as by a Fréchet distance,
  /// its pictures must not share noises.
  private func seeds(of prompt: BenchmarkPrompt) -> [UInt64] {
    let count = layout.picturesPerPrompt
    let first = layout.seeds == .anew ? 0 : prompt.position * count
    return (0..<count).map { seed &+ UInt64(first + $0) }
  }

  private func values(
    _ prompt: BenchmarkPrompt, repeat index: Int = 0
  ) -> [String: PathTemplate.Value] {
    [
      "arm": .text(arm), "group": .text(prompt.group ?? ""), "id": .text(prompt.id),
      "index": .number(prompt.index), "repeat": .number(index), "number": .number(index + 1),
    ]
  }
}

extension PictureSet {
  /// The files beside the pictures, with what they hold.
  var companions: [(path: FilePath, text: String)] {
    layout.companions.flatMap { companion in
      prompts.first(ofEachGroup: limit).map { prompt in
        (
          folder.appending(companion.path.expanded(values(prompt))),
          companion.content == .record ? prompt.record : prompt.text
        )
      }
    }
  }

  /// Where a picture of a grid waits for the others.
  func partPath(_ file: File, _ index: Int) -> FilePath {
    let stem = file.path.removingLastComponent().appending(file.path.stem ?? "")
    return folder.appending("parts/\(arm)").pushing(stem).appending("\(index).png")
  }
}

extension PictureSet {
  /// What it is, for its manifest: all that its pictures depend on, of which `settings` is what they
  /// are drawn with.
  func identity(_ settings: JSONObject) -> JSONObject {
    [
      "benchmark": .string(layout.name), "prompts": .string(promptDigest),
      "pictures_per_prompt": .integer(Int64(layout.picturesPerPrompt)), "seed": .string("\(seed)"),
      "settings": .object(settings),
    ]
  }

  /// A digest of what prompts say and are called, whatever file they were in.
  private var promptDigest: String {
    var digest = SHA256()
    for prompt in prompts {
      let line = Array("\(prompt.group ?? "")\u{0}\(prompt.id)\u{0}\(prompt.text)\u{0}".utf8)
      unsafe digest.update(line.span.bytes)
    }
    return digest.hexadecimal()
  }
}
