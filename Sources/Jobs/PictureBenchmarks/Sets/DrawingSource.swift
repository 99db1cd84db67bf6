public import Drawing
internal import Files
import JSON
public import Pictures
internal import Schedules

/// Draws a set's pictures with the toolkit's sampler.
public struct DrawingSource: PictureSource {
  /// What happens while pictures are drawn.
  public enum Event {
    /// What a person should know.
    case note(String)
    /// Steps of all pictures done so far.
    case steps(Int)
  }

  /// The states of this many prompts are kept at once.
  static let promptsAtOnce = 16

  /// The request of every picture, but for prompts and seeds.
  private let request: DrawingRequest
  private var tell: (Event) throws -> Void

  /// A source that tells of nothing.
  ///
  /// - Parameter request: model, adapters and settings; its prompts and seeds play no part.
  public init(_ request: DrawingRequest) {
    self.request = request
    tell = { _ in }
  }

  /// The same source, which tells what happens.
  ///
  /// - Parameter tell: called with every event; may throw to stop.
  /// - Returns: a source of the same pictures.
  public func telling(_ tell: @escaping (Event) throws -> Void) -> DrawingSource {
    var source = self
    source.tell = tell
    return source
  }

  /// The plan of some pictures.
  public func plan(_ wanted: some Collection<WantedPicture>) throws -> DrawingPlan {
    var request = request
    (request.prompts, request.picks) = Self.picks(wanted)
    return try DrawingPlan(request)
  }

  /// Draws, the prompts of some pictures at a time.
  public func draw(_ wanted: [WantedPicture], _ handle: (Int, Picture) throws -> Void) throws {
    var start = 0
    while start < wanted.count {
      let batch = Self.batch(of: wanted, from: start)
      let plan = try plan(wanted[batch])
      try plan.draw { event in
        switch event {
        case .note(let text): try tell(.note(text))
        case .encoded: break
        case .steps(let done): try tell(.steps(start * plan.walk.steps.count + done))
        case .drawn(let drawn): try handle(start + drawn.index, drawn.picture)
        }
      }
      start = batch.upperBound
    }
  }

  /// The prompts of pictures, each once, and which of them each picture is of.
  static func picks(
    _ wanted: some Collection<WantedPicture>
  ) -> (prompts: [String], picks: [DrawingRequest.Pick]) {
    var prompts: [String] = []
    var places: [String: Int] = [:]
    let picks = wanted.map { picture in
      let place = places[picture.prompt] ?? prompts.count
      if place == prompts.count {
        places[picture.prompt] = place
        prompts.append(picture.prompt)
      }
      return DrawingRequest.Pick(prompt: place, seed: picture.seed)
    }
    return (prompts, picks)
  }

  /// Pictures from one on, as long as their prompts are few.
  static func batch(of wanted: [WantedPicture], from start: Int) -> Range<Int> {
    var prompts: Set<String> = []
    let end = wanted[start...].firstIndex { picture in
      prompts.insert(picture.prompt)
      return prompts.count > promptsAtOnce
    }
    return start..<(end ?? wanted.count)
  }
}
