public import Adapters

/// Plans of several prompts: one for all that are drawn in the same way.
public struct DrawingBatch: Sendable {
  /// Some of the pictures.
  public struct Part: Sendable {
    /// What draws them.
    public let plan: DrawingPlan
    /// Where each of the plan's pictures stands among all, counted from 0.
    public let places: [Int]
  }

  /// The parts, in the order of their first pictures.
  public let parts: [Part]

  /// Pictures of all parts.
  public var pictureCount: Int { parts.reduce(0) { $0 + $1.places.count } }

  /// What to tell the person, each once.
  public var notes: [String] {
    var told: Set<String> = []
    return parts.flatMap(\.plan.notes).filter { told.insert($0).inserted }
  }

  /// What to tell the person of each adapter's file.
  public var adapterNotes: [(source: String, note: AdapterNote)] {
    parts.first?.plan.adapterNotes ?? []
  }

  /// The prompts; none where states of prompts are given.
  let lines: [PromptLine]
  /// Pictures of each of them, without the ways in which they are drawn.
  let picturesPerPrompt: Int
  /// In how many ways every prompt is drawn with every seed.
  public let variation: DrawingVariation

  /// Prompt and seed of each picture, without the ways in which it is drawn; the seed is nil where noise was
  /// given.
  var items: [(prompt: String, seed: UInt64?)] {
    let ways = variation.ways.count
    var items = [(prompt: String, seed: UInt64?)](
      repeating: ("", nil), count: pictureCount / ways)
    for part in parts {
      for (index, place) in part.places.enumerated() where place % ways == 0 {
        items[place / ways] = (part.plan.prompt(ofPicture: index), part.plan.seed(ofPicture: index))
      }
    }
    return items
  }

  /// Resolves a request for some prompts.
  ///
  /// The pictures are ordered by prompt, then seed, then strength, then schedule.
  ///
  /// - Parameters:
  ///   - request: what holds for all lines that don't say otherwise; its prompts are those of the lines.
  ///   - lines: the prompts; none where states of prompts are given.
  ///   - variation: in which ways each picture is drawn.
  /// - Throws: what ``DrawingPlan/init(_:)`` throws.
  public init(
    _ request: DrawingRequest, lines: [PromptLine], varying variation: DrawingVariation = .init()
  ) throws {
    self.variation = variation
    self.lines = lines
    picturesPerPrompt = request.picturesPerPrompt
    let ways = variation.ways
    var parts: [Part] = []
    for group in try Self.groups(request, lines) {
      for (index, way) in ways.enumerated() {
        var own = group.request
        own.take(way)
        let plan = try DrawingPlan(own, like: parts.first?.plan)
        let items = group.items ?? Array(0..<plan.pictureCount)
        parts.append(
          Part(plan: plan, places: items.map { $0 * ways.count + index }))
      }
    }
    self.parts = parts
  }

  /// Prompts that are drawn in the same way.
  private struct Group {
    let request: DrawingRequest
    /// Where each of its pictures stands among those of all prompts and seeds; nil: it is all of them.
    let items: [Int]?
  }

  private static func groups(
    _ request: DrawingRequest, _ lines: [PromptLine]
  ) throws -> [Group] {
    var groups: [[Int]] = []
    var known: [PromptLine: Int] = [:]
    for (index, line) in lines.enumerated() {
      if let group = known[line.manner] {
        groups[group].append(index)
      } else {
        known[line.manner] = groups.count
        groups.append([index])
      }
    }
    guard groups.count > 1 || lines.contains(where: { $0.seed != nil }) else {
      var request = request
      request.prompts = lines.map(\.prompt)
      if let line = lines.first { request.take(line) }
      return [Group(request: request, items: nil)]
    }
    if let latents = request.latents {
      throw DrawingError.invalid(
        source: "--latents \(latents)", expected: "prompts that are all drawn in one way",
        found: "lines with seeds or settings of their own")
    }
    let count = request.picturesPerPrompt
    for line in lines { try request.checkSeeds(from: line.seed ?? request.seed) }
    return groups.map { group in
      var own = request
      own.take(lines[group[0]])
      own.prompts = group.map { lines[$0].prompt }
      own.picks = group.enumerated().flatMap { prompt, line in
        (0..<count).map { number in
          .init(prompt: prompt, seed: (lines[line].seed ?? request.seed) + UInt64(number))
        }
      }
      return Group(
        request: own, items: group.flatMap { line in (0..<count).map { line * count + $0 } })
    }
  }
}

extension DrawingRequest {
  /// Takes what a line says of all that is drawn like it.
  fileprivate mutating func take(_ line: PromptLine) {
    negative = line.negative ?? negative
    cfg = line.cfg ?? cfg
    guidance = line.guidance ?? guidance
    if let width = line.width, let height = line.height {
      size = .pixels(width: width, height: height)
    }
  }
}
