"""The words that experiments show: messages of their scripts, and names of what their results compare."""

from __future__ import annotations

from ridgeway.studio import i18n
from ridgeway.studio.i18n import N_

#: Of racers, kinds and scales, as results name them, by lesson.
NAMES = {
    "overview": {
        "none": N_("nothing"),
        "weight_decay": N_("weight decay"),
        "l1": N_("L1"),
        "dropout": N_("dropout"),
        "label_smoothing": N_("label smoothing"),
        "batch": N_("batch normalization"),
        "layer": N_("layer normalization"),
        "early_stopping": N_("early stopping"),
    },
    "weight-decay": {"sgd": N_("SGD"), "momentum": N_("SGD with momentum"), "adam": N_("Adam")},
    "norms": {"l1": N_("L1, proximal"), "subgradient": N_("L1, subgradients"), "l2": N_("L2")},
    "saving-best": {
        "last": N_("last epoch"),
        "best": N_("best epoch"),
        "patience": N_("best within patience 3"),
    },
    "input-normalization": {
        "raw": N_("0 to 255"),
        "unit": N_("0 to 1"),
        "symmetric": N_("−1 to 1"),
        "standardized": N_("standardized"),
    },
    "normalizations": {
        "batch": N_("batch"),
        "layer": N_("layer"),
        "instance": N_("instance"),
        "group": N_("group (2 groups)"),
        "keras_layer": N_("layer, Keras's default"),
    },
    "covariate-shift": {
        "none": N_("without normalization"),
        "batch": N_("with batch normalization"),
        "noisy": N_("batch normalization and noise"),
    },
}

_SHARED = (
    N_("Training …"),
    N_("Waiting for %(ahead)s trainings …"),
    N_("Done: these are the results of the new training."),
    N_("The training could not be started. Is the studio still running?"),
    N_("seed %(seed)s · %(ms)s ms"),
)
_OF_SCRIPTS: dict[str, tuple[str, ...]] = {
    "overview": (
        N_("nothing"),
        N_("weight decay"),
        N_("dropout"),
        N_("label smoothing"),
        N_("batch normalization"),
        N_("layer normalization"),
        N_("early stopping"),
        N_("Validation loss"),
        N_("Validation accuracy"),
        N_("Gap: validation loss less the loss on training rows with right labels"),
        N_("nothing: %(value)s"),
        N_("Regularizer"),
        N_("gap"),
        N_("Validation loss by epoch, mean of five seeds"),
        N_("Epoch"),
        N_("First: %(name)s with %(value)s."),
        N_("%(count)s of 7 do better than nothing (%(base)s)."),
        N_("A small gap alone is no merit: a network that learns nothing has none."),
    ),
    "weight-decay": (
        N_("Loss against λ, after the last epoch"),
        N_("Loss"),
        N_("Validation loss"),
        N_("Training loss"),
        N_("Validation loss, decoupled"),
        N_("Validation loss, L2"),
        N_("Validation loss by epoch"),
        N_("Epoch"),
        N_("Validation loss at λ = 0"),
        N_("The network's weights"),
        N_("Weight"),
        N_("Number"),
        N_("SGD with momentum"),
        N_("Largest difference between a weight with decay and the same weight with L2"),
        N_("Difference"),
        N_("Under plain SGD both are one and the same, but for rounding."),
        N_("Under this optimizer the two are different methods."),
        N_(
            "λ = %(lambda)s: training loss %(train)s, validation loss %(val)s, length of the weights "
            "%(norm)s. Validation is best at λ = %(best)s."
        ),
        N_("Decay and L2 differ by up to %(difference)s in a weight."),
    ),
    "norms": (
        N_("Loss above its least"),
        N_("Length of the sum and sum of the lengths"),
        N_("Length"),
        N_("‖a + b‖"),
        N_("‖a‖ + ‖b‖"),
        N_("p = %(p)s: the best point lies inside the ball, so nothing is held back."),
        N_("p = %(p)s: a contour touches the ball at (%(a)s, %(b)s)."),
        N_("It is a corner: one weight is exactly 0."),
        N_("Neither weight is 0."),
        N_("With p below 1 the triangle inequality fails: this is no norm, though it is often called one."),
        N_("Coefficients against λ"),
        N_("Coefficient"),
        N_("L1, proximal"),
        N_("L1, subgradients"),
        N_("Coefficients that are exactly 0"),
        N_("Zeros"),
        N_(
            "%(kind)s at λ = %(lambda)s: %(zeros)s of 10 coefficients are exactly 0, the mean squared error "
            "is %(error)s."
        ),
        N_("The ball of p = %(p)s and size %(radius)s; a contour touches it at (%(a)s, %(b)s)"),
        N_("least loss"),
    ),
    "early-stopping": (
        N_("Loss by epoch"),
        N_("Epoch"),
        N_("Loss"),
        N_("Validation loss, while it trains"),
        N_("Validation loss that is never seen"),
        N_("Training loss"),
        N_("Loss on the test rows"),
        N_("best so far: %(epoch)s"),
        N_("stops: %(epoch)s"),
        N_("Validation loss"),
        N_("The same network, judged by 20 to 800 rows"),
        N_("%(rows)s rows"),
        N_("Length of the weights"),
        N_("Descent after t steps"),
        N_("Ridge with λ = 1/(ηt)"),
        N_("Cosine between them"),
        N_(
            "With patience %(patience)s training stops after epoch %(stopped)s; the best epoch it has seen is %(kept)s."
        ),
        N_("With patience %(patience)s training goes on to the last epoch; the best is %(kept)s."),
        N_("The model has the weights of epoch %(left)s: loss %(nll)s and accuracy %(accuracy)s on the test rows."),
        N_("The best epoch of the whole curve, %(epoch)s, is never seen."),
        N_("In Keras patience 0 and 1 are the same."),
    ),
    "saving-best": (
        N_("One seed, epoch by epoch"),
        N_("Epoch"),
        N_("Loss"),
        N_("Validation loss"),
        N_("Training loss"),
        N_("Loss on the test rows"),
        N_("loaded: %(epoch)s"),
        N_("best: %(epoch)s"),
        N_("Test accuracy"),
        N_("last epoch"),
        N_("best epoch"),
        N_("best within patience 3"),
        N_("Loss on the test rows, 20 seeds"),
        N_("Test accuracy, 20 seeds"),
        N_("Seed"),
        N_("stopped by patience 3"),
        N_(
            "The weights of epoch %(epoch)s: validation loss %(val)s, test loss %(test)s, test accuracy "
            "%(accuracy)s. The callback saves epoch %(best)s, where validation is best."
        ),
        N_(
            "Loading the best epoch instead of the last changes the test loss by %(middle)s on average (95% "
            "interval %(low)s to %(high)s)."
        ),
        N_(
            "Loading the best epoch instead of the last changes the test accuracy by %(middle)s on average "
            "(95% interval %(low)s to %(high)s)."
        ),
        N_(
            "With patience 3, %(missed)s of 20 trainings stop before their best epoch: what comes later is never saved."
        ),
    ),
    "dropout": (
        N_("Loss against the rate"),
        N_("Loss"),
        N_("Validation loss"),
        N_("Training loss without dropout"),
        N_("Training loss as training sees it"),
        N_("Validation loss by epoch"),
        N_("Epoch"),
        N_("Keras (inverted)"),
        N_("the lecture (classic)"),
        N_("Mean output over n masks, beside the prediction"),
        N_("Masks n"),
        N_("Output"),
        N_("%(kind)s: mean in training"),
        N_("%(kind)s: prediction"),
        N_("Scaling"),
        N_("Output without dropout"),
        N_("Training: where it stays"),
        N_("Training: where it is dropped"),
        N_("Mean over %(n)s masks"),
        N_("Prediction"),
        N_("What it puts out under 40 masks, in training"),
        N_("Mask"),
        N_("Loss of the mean prediction"),
        N_("Mean over n masks"),
        N_("One pass without dropout"),
        N_("Mean distance of a probability from the one pass"),
        N_(
            "p = %(rate)s: training loss %(train)s without dropout, validation loss %(val)s, accuracy "
            "%(accuracy)s. Validation is best at p = %(best)s."
        ),
        N_(
            "A unit that puts out %(value)s gives %(inverted)s or 0 in Keras's training and %(value)s in "
            "prediction; in the classic way %(value)s or 0, and then %(classic)s."
        ),
        N_("Of %(all)s outputs %(kept)s stay; each sample has a mask of its own."),
    ),
    "input-normalization": (
        N_("Step"),
        N_("Loss"),
        N_("Steps until a hundredth of the way is left"),
        N_("Stretch"),
        N_("Steps"),
        N_("rate %(share)s"),
        N_(
            "Stretched %(stretch)s times, the contours are %(stretch)s times as long as wide (condition "
            "number %(condition)s), and a step may be no larger than %(largest)s."
        ),
        N_("At %(rate)s, beyond it, each step lands further away: descent diverges."),
        N_("At %(rate)s, 99% of the way down takes %(steps)s steps."),
        N_("0 to 255"),
        N_("0 to 1"),
        N_("−1 to 1"),
        N_("standardized"),
        N_("Validation loss by learning rate"),
        N_("Learning rate"),
        N_("Validation loss"),
        N_("Scale"),
        N_("best learning rate"),
        N_("epochs until %(target)s"),
        N_("never"),
        N_("Validation loss by epoch, each scale at its best learning rate"),
        N_("Epoch"),
        N_("%(scale)s at %(rate)s"),
        N_("target"),
        N_("From (0, 0) towards (%(a)s, %(b)s): after 60 steps at (%(c)s, %(d)s)"),
        N_("least loss"),
        N_("start"),
    ),
    "normalizations": (
        N_("batch"),
        N_("layer"),
        N_("instance"),
        N_("group (2 groups)"),
        N_("layer, Keras's default"),
        N_(
            "This cell is %(value)s. It is averaged with %(others)s others: mean %(mean)s, standard "
            "deviation %(spread)s. Normalized it is %(after)s."
        ),
        N_("How many statistics"),
        N_("Pairs of mean and standard deviation"),
        N_("Normalization"),
        N_("Numbers in each"),
        N_("How far a batch's mean strays"),
        N_("Batch size"),
        N_("Spread of the mean"),
        N_("Measured"),
        N_("A batch of one is its own mean: whatever comes in, batch normalization of a dense layer puts out 0."),
        N_(
            "In batches of %(size)s the mean strays by %(scatter)s standard deviations: this is the noise "
            "that is said to regularize."
        ),
        N_("without normalization"),
        N_("with batch normalization"),
        N_("Validation accuracy by batch size"),
        N_("Accuracy"),
        N_("The cube of activations: %(lit)s cells are lit"),
    ),
    "covariate-shift": (
        N_("without normalization"),
        N_("with batch normalization"),
        N_("batch normalization and noise"),
        N_("Distribution at this epoch"),
        N_("What goes into the activation"),
        N_("Share"),
        N_("Mean"),
        N_("Normalization"),
        N_("Standard deviation"),
        N_("beyond ±3, where the sigmoid is flat"),
        N_("Validation accuracy"),
        N_("Mean by epoch, with one standard deviation to either side"),
        N_("Epoch"),
        N_("Validation accuracy by epoch"),
        N_("Accuracy"),
        N_(
            "From epoch to epoch a unit's mean moves by %(none)s without normalization, by %(batch)s with it "
            "and by %(noisy)s with noise; accuracy ends at %(a)s, %(b)s and %(c)s. The noise moves the "
            "distribution again, and the network learns as well: against the explanation by covariate shift."
        ),
        N_("Validation accuracy by learning rate"),
        N_("Learning rate"),
        N_("guessing"),
        N_("output"),
        N_("Size of the gradient by layer"),
        N_("Layer"),
        N_("Gradient"),
        N_("Gradient, %(kind)s"),
        N_("Units that are flat, %(kind)s"),
        N_("none"),
        N_(
            "The highest learning rate that still gets half of the digits right: %(none)s without "
            "normalization, %(batch)s with batch normalization."
        ),
    ),
    "coding": (
        N_(
            "One-hot: %(count)s columns. Beside an intercept they have rank %(count)s of %(more)s, for they "
            "always add up to 1. Dummy coding without %(reference)s: %(less)s columns, rank %(count)s of "
            "%(count)s."
        ),
        N_("Mean of the category"),
        N_("one-hot"),
        N_("without %(name)s"),
        N_("Prediction for each category"),
        N_("Category"),
        N_("Prediction"),
        N_("Rows"),
        N_("Prediction for %(name)s against λ"),
        N_("Prediction for %(name)s"),
        N_("Weights and intercept"),
        N_("Column"),
        N_("intercept"),
        N_("Weight"),
        N_(
            "At λ = %(lambda)s the prediction for %(name)s depends on the coding by up to %(apart)s: the "
            "penalty pulls every category towards the reference, or with one-hot codes towards the middle."
        ),
        N_("Without a penalty all codings predict the mean of each category."),
        N_("Code of each category"),
    ),
    "label-smoothing": (
        N_("Wrong labels learned by heart"),
        N_("Accuracy and calibration error against ε"),
        N_("Share"),
        N_("Accuracy"),
        N_("Calibration error (ECE)"),
        N_("How sure, and how right"),
        N_("Confidence"),
        N_("Perfect calibration"),
        N_("Rows"),
        N_("Loss on true labels against ε"),
        N_("Loss"),
        N_("%(share)s wrong"),
        N_("Distance of the logits"),
        N_("Distance"),
        N_("Measured"),
        N_("Where the smoothed loss is least"),
        N_(
            "%(share)s of the labels wrong, ε = %(epsilon)s: accuracy %(accuracy)s, calibration error "
            "%(ece)s, loss on true labels %(nll)s."
        ),
        N_("Here smoothing makes calibration worse."),
        N_("Here smoothing makes calibration better."),
        N_("Here smoothing changes calibration little."),
        N_("Keras trains on (%(right)s, %(other)s, %(other)s, %(other)s) in the place of (1, 0, 0, 0)."),
    ),
    "playground": (
        N_("best"),
        N_("one SE"),
        N_("validation %(value)s"),
        N_("class %(name)s"),
        N_("Loss against the strength"),
        N_("Strength"),
        N_("Loss"),
        N_("Validation loss"),
        N_("Training loss"),
        N_("Validation accuracy"),
        N_("Strength %(strength)s: validation loss %(val)s, accuracy %(accuracy)s; training loss %(train)s."),
        N_("Validation chooses %(best)s; the strongest within one standard error of it is %(one)s."),
        N_("Decision regions at strength %(strength)s"),
    ),
}


def texts(name: str, lang: str) -> dict[str, str]:
    """What the script of an experiment says, message to text.

    Args:
        name: of the lesson, or "playground".
        lang: "ko" or "en".
    """
    translate = i18n.translator(lang)
    return {message: translate(message) for message in (*_SHARED, *_OF_SCRIPTS[name])}
