public import Caching
public import Schedules
public import SystemPackage
public import Training

/// What a person asks of the trainer; nil stands for the family's default.
public struct ExpertRequest: Sendable {
  /// The pipeline's folder.
  public var model: FilePath
  /// Another transformer than the folder's: a file or a folder.
  public var transformer: FilePath?
  /// What that was made from, where it is a difference.
  public var transformerBase: FilePath?
  /// Pictures and captions.
  public var samples: [SampleSource]
  /// Phases whose experts are trained; nil: all of the schedule.
  public var phases: [Phase]?
  /// The grid of timesteps.
  public var schedule: ScheduleRequest
  /// `reference`, `attention`, `modulation`, `all` or suffixes of module paths.
  public var targets = "reference"
  /// Rank of every module.
  public var rank: Int?
  /// Numerator of the scale alpha / rank.
  public var alpha: Double?
  /// What the saved expert is of the trained one: its change is multiplied by it.
  public var strength = 1.0
  /// Optimiser steps of every expert.
  public var steps: Int?
  /// Items of a step.
  public var batch = 1
  /// Learning rate after the warm-up.
  public var learningRate: Double?
  /// Steps of the warm-up.
  public var warmupSteps = 0
  /// Decay of weights, first and second moment.
  public var optimiser = AdamW.Constants()
  /// Weight decay, where it isn't the family's.
  public var weightDecay: Double?
  /// Largest norm of the gradients; 0 clips nothing.
  public var clip = 1.0
  /// Share of captions that are replaced by the empty one.
  public var captionDropout: Double?
  /// What the experts' velocity is made equal to.
  public var objective = Objective.flowMatching
  /// How much the loss at a noise level counts.
  public var weighting = LossWeighting.none
  /// Classifier-free guidance scale of the teacher; nil: the family's.
  public var cfg: Double?
  /// Whether the experts learn in one pass what the teacher's guidance comes to.
  public var foldsGuidance = false
  /// Guidance value of training.
  public var guidance: Double?
  /// Seed of the run.
  public var seed: UInt64 = 0
  /// Size of the pictures; nil: that of the first one, made to fit.
  public var size: (width: Int, height: Int)?
  /// Length that captions are padded to or cut at.
  public var textTokens: Int?
  /// Whether the published training code's arithmetic is followed.
  public var followsPublishedCode = false
  /// Bytes that activations may take; beyond, blocks are computed again in the backward pass.
  public var memoryLimit: Int?
  /// Whether the experts are trained at once, a step of each in turn, so that processes which share the work can
  /// have an expert each.
  public var phasesAtOnce = false
  /// Where results that depend on their inputs alone are kept for other runs; nil: nowhere.
  public var cache: ContentCache?

  /// A request for experts from samples.
  public init(model: FilePath, samples: [SampleSource], schedule: ScheduleRequest) {
    self.model = model
    self.samples = samples
    self.schedule = schedule
  }

  /// The samples' pictures, each once, in the order in which they come first.
  var images: [FilePath] {
    var known: Set<FilePath> = []
    return samples.compactMap(\.image).filter { known.insert($0).inserted }
  }
}

/// A picture's file and its caption, or a caption alone.
public struct SampleSource: Sendable, Equatable {
  /// The picture; nil for objectives that need none.
  public let image: FilePath?
  /// What it shows.
  public let caption: String
  /// Which of its picture's captions it is, counted from 1.
  private let number: Int

  /// A picture with its caption.
  public init(image: FilePath?, caption: String) {
    self.init(image: image, caption: caption, number: 1)
  }

  private init(image: FilePath?, caption: String, number: Int) {
    self.image = image
    self.caption = caption
    self.number = number
  }

  /// A picture with each of its captions: as many samples.
  public static func samples(of image: FilePath?, captions: [String]) -> [SampleSource] {
    captions.enumerated().map { SampleSource(image: image, caption: $1, number: $0 + 1) }
  }

  /// What the sample is called: its picture's name, else its caption.
  var name: String {
    guard let name = image?.lastComponent?.string else { return caption }
    return number == 1 ? name : "\(name), caption \(number)"
  }
}
