internal import Checkpoints

extension CheckpointDescription {
  /// What it is, in few words.
  var title: String {
    switch subject {
    case .transformer(let architecture): architecture.family.title + " transformer"
    case .component(_, _, let title): title
    case .lookAlike(let title): title
    case .unknown: "tensors of no known model"
    }
  }

  /// A name that is equal for what is equal: of a transformer its family, of a component its kind.
  var kind: String {
    switch subject {
    case .transformer(let architecture): architecture.family.name
    case .component(let name, _, _): name
    case .lookAlike(let title): title
    case .unknown: ""
    }
  }
}
